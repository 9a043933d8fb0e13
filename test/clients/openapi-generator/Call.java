import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Calls operations through a Java client of openapi-generator: PACKAGE URL KEY CALLS API…, one line of JSON for each answer. */
final class Call {
  private static final String SUFFIX = "WithHttpInfo";

  private final String generated;
  private final ObjectMapper mapper;
  private final Map<String, Method> methods = new HashMap<>();
  private final Map<Method, Object> owners = new HashMap<>();

  private Call(String generated, String url, String key, List<String> apis) throws Exception {
    this.generated = generated;
    Class<?> clientType = Class.forName(generated + ".client.ApiClient");
    Object client = clientType.getConstructor().newInstance();
    clientType.getMethod("setBasePath", String.class).invoke(client, url);
    clientType.getMethod("setBearerToken", String.class).invoke(client, key);
    Class<?> json = Class.forName(generated + ".client.JSON");
    mapper = (ObjectMapper) json.getMethod("getMapper").invoke(json.getConstructor().newInstance());
    for (String api : apis) {
      Class<?> type = Class.forName(generated + ".api." + api);
      Object owner = type.getConstructor(clientType).newInstance(client);
      for (Method method : type.getDeclaredMethods()) {
        if (!method.getName().endsWith(SUFFIX)) continue;
        methods.put(method.getName().substring(0, method.getName().length() - SUFFIX.length()), method);
        owners.put(method, owner);
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    List<String> apis = List.of(arguments).subList(4, arguments.length);
    Call call = new Call(arguments[0], arguments[1], arguments[2], apis);
    for (JsonNode asked : new ObjectMapper().readTree(new File(arguments[3]))) {
      ObjectNode answer = call.mapper.createObjectNode().put("operationId", asked.get("operationId").asText());
      try {
        call.ask(asked, answer);
      } catch (Exception error) { // Whatever it is, the test says of which operation.
        answer.put("error", error.toString());
      }
      System.out.println(call.mapper.writeValueAsString(answer));
    }
  }

  private void ask(JsonNode asked, ObjectNode answer) throws Exception {
    Method method = methods.get(asked.get("operationId").asText());
    try {
      Object response = method.invoke(owners.get(method), argumentsOf(method, asked));
      int status = (int) response.getClass().getMethod("getStatusCode").invoke(response);
      describe(answer, status, response.getClass().getMethod("getData").invoke(response));
    } catch (InvocationTargetException thrown) {
      Throwable problem = thrown.getCause();
      int status = problem.getClass().getSimpleName().equals("ApiException")
          ? (int) problem.getClass().getMethod("getCode").invoke(problem)
          : 0;
      if (status == 0) throw (Exception) problem;
      // The client hands a problem over as text; its model is there to read it.
      String body = (String) problem.getClass().getMethod("getResponseBody").invoke(problem);
      describe(answer, status, mapper.readValue(body, Class.forName(generated + ".model.Problem")));
    }
  }

  private Object[] argumentsOf(Method method, JsonNode asked) throws Exception {
    Map<String, JsonNode> values = new HashMap<>();
    for (JsonNode parameter : asked.get("parameters"))
      values.put(plain(parameter.get("name").asText()), parameter.get("value"));
    Parameter[] parameters = method.getParameters();
    Object[] arguments = new Object[parameters.length];
    for (int index = 0; index < parameters.length; index++) {
      Class<?> type = parameters[index].getType();
      boolean isBody = type.getPackageName().equals(generated + ".model");
      JsonNode value = isBody ? asked.get("body") : values.get(plain(parameters[index].getName()));
      if (value != null) arguments[index] = mapper.readValue(value.toString(), type);
    }
    return arguments;
  }

  private void describe(ObjectNode answer, int status, Object data) {
    String type = data == null ? "nothing"
        : data instanceof List ? "list"
        : data instanceof String ? "text"
        : data instanceof Map || data.getClass() == Object.class ? "object"
        : data.getClass().getSimpleName();
    answer.put("status", status).put("type", type).set("value", mapper.valueToTree(data));
  }

  /** A name of the document as it is found again, whatever the generator makes of its case and of its marks. */
  private static String plain(String name) {
    return name.replaceAll("[^A-Za-z0-9]", "").toLowerCase(Locale.ROOT);
  }
}
