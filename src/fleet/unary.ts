/** One call of gRPC with one answer. */
import type { Client, MethodDefinition, ServiceError } from '@grpc/grpc-js';

/**
 * @param ms how long it may take
 * @throws ServiceError
 */
export function callUnary<T>(
  client: Client,
  method: MethodDefinition<object, T>,
  request: object,
  ms: number,
): Promise<T> {
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + ms;
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      { deadline },
      (error: ServiceError | null, value?: T) => {
        // grpc-js: a value comes where no error does.
        if (error === null) resolve(value as T);
        else reject(error);
      },
    );
  });
}
