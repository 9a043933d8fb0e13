/** The version that `/openapi.json`, the start screen and Kafka's client id show; kept equal to package.json by a test. */
export const VERSION = '0.1.0'
