/** The version that `/openapi.json`, the start screen and Kafka's client id show. A test keeps it equal to package.json. */
export const VERSION = '0.1.0'
