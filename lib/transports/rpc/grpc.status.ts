/**
 * The gRPC status of each HTTP status.
 * @see https://grpc.io/docs/guides/status-codes/
 */
const GRPC_STATUS: Readonly<Partial<Record<number, number>>> = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 5, // NOT_FOUND
  409: 10, // ABORTED
  429: 8, // RESOURCE_EXHAUSTED
  501: 12, // UNIMPLEMENTED
  502: 14, // UNAVAILABLE
  503: 14, // UNAVAILABLE
  504: 4, // DEADLINE_EXCEEDED
};
const FAILED_PRECONDITION = 9;
const INTERNAL = 13;

/** Never OK: without a counterpart, 4xx is FAILED_PRECONDITION and all else is INTERNAL. */
export function grpcStatusOf(httpStatus: number): number {
  return GRPC_STATUS[httpStatus] ?? (httpStatus >= 400 && httpStatus < 500 ? FAILED_PRECONDITION : INTERNAL);
}

/** Whether an error code is a gRPC status, as in `ServiceError` of grpc-js and Nest's `GrpcException`. */
export function isGrpcErrorStatus(code: unknown): code is number {
  return typeof code === 'number' && Number.isInteger(code) && code >= 1 && code <= 16;
}
