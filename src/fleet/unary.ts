/** A gRPC call with a single answer. */
import type { Client, MethodDefinition, ServiceError } from '@grpc/grpc-js';

/**
 * @param ms time-out
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
        // In grpc-js a value is present if no error is.
        if (error === null) resolve(value as T);
        else reject(error);
      },
    );
  });
}
