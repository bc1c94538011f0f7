import { isObject } from '../calls.js';
import { grpcStatusOf, isGrpcErrorStatus } from './grpc.status.js';

/** The properties read from the metadata of `@grpc/grpc-js`. Declared here, because the package is optional. */
interface GrpcMetadata {
  clone(): GrpcMetadata;
  set(name: string, value: string): void;
}

/** The properties read from a call of `@grpc/grpc-js`, streaming or not. */
export interface GrpcCall {
  readonly metadata: GrpcMetadata;
  emit(event: 'error', error: object): boolean;
}

/** An error as grpc-js sends it: `code`, `details` and the trailing `metadata` reach the client. */
interface GrpcError {
  readonly code: number;
  readonly message: string;
  readonly details: string;
  readonly metadata: GrpcMetadata;
}

/** Clients reject trailers that are too long (8 KiB by default), and would lose the status as well. */
const MAX_TRAILER_LENGTH = 4_096;

/**
 * The gRPC call among a handler's arguments; `undefined` for other transports. Nest passes it third, and to
 * `@GrpcStreamCall()` handlers first. It is recognized by its methods, which message payloads do not have.
 */
export function grpcCallOf(args: readonly unknown[]): GrpcCall | undefined {
  const [first, , third] = args;
  return [third, first].find(isGrpcCall);
}

/**
 * Converts a denial's body to a gRPC error. The trailing metadata holds the body as JSON (`clerk-error`) and its code
 * (`clerk-error-code`).
 *
 * @param original The application's own error, which may have a gRPC status, details and metadata.
 */
export function grpcErrorOf(body: object, { metadata: received }: GrpcCall, original: object = {}): GrpcError {
  const { statusCode, code, message } = body as Partial<Record<'statusCode' | 'code' | 'message', unknown>>;
  const { code: own, details, metadata: given } = original as Partial<Record<'code' | 'details' | 'metadata', unknown>>;
  // Use the metadata class of this call, so that its package need not be imported.
  const Metadata = received.constructor as new () => GrpcMetadata;
  const metadata = given instanceof Metadata ? given.clone() : new Metadata();
  for (const [name, value] of [
    ['clerk-error-code', typeof code === 'string' ? code : undefined],
    ['clerk-error', asciiJson(body)],
  ] as const) {
    if (value && /^[\x20-\x7e]+$/.test(value) && value.length <= MAX_TRAILER_LENGTH) metadata.set(name, value);
  }
  // Unpaired surrogates make grpc-js throw outside of any handler, which crashes the process.
  const text = String(typeof details === 'string' ? details : message).replace(/\p{Surrogate}/gu, '\ufffd');
  const error = {
    code: isGrpcErrorStatus(own) ? own : grpcStatusOf(Number(statusCode)),
    message: text,
    details: text,
    metadata,
  };
  // Nest emits the error on a client's stream and listens for it itself. An error with "cancelled" in it ends the stream. For
  // any other, Nest 11 accesses what it has already cleaned up, which crashes the process. The lowest Nest 11 takes the
  // word's position for a boolean, so it must not come first.
  return Object.defineProperty(error, 'toString', { value: () => `Error: cancelled: ${text}` });
}

/**
 * Answers a `@GrpcStreamCall()` directly. Nest does not handle the rejected promise of such a handler, so an error of a
 * guard or parameter would not reach the client, and would crash the process as an unhandled rejection.
 *
 * @returns a promise that never settles, so that the handler does not run; `undefined` for other calls
 */
export function endGrpcStreamCall(args: readonly unknown[], error: Error): Promise<never> | undefined {
  const [call, callback] = args;
  if (!isGrpcCall(call)) return undefined;
  const response: unknown = (error as Error & { getError?(): unknown }).getError?.() ?? error;
  const answer = isObject(response) ? response : { message: String(response) };
  if (typeof callback === 'function') (callback as (error: object) => void)(answer);
  else call.emit('error', answer);
  return new Promise<never>(() => undefined);
}

function isGrpcCall(value: unknown): value is GrpcCall {
  if (!isObject(value)) return false;
  try {
    const call = value as Partial<Record<'emit' | 'sendMetadata' | 'getPath' | 'metadata', unknown>>;
    const { set, toHttp2Headers } = Object(call.metadata) as Partial<Record<'set' | 'toHttp2Headers', unknown>>;
    const methods = [call.emit, call.sendMetadata, call.getPath, set, toHttp2Headers];
    return methods.every((method) => typeof method === 'function');
  } catch {
    return false;
  }
}

/**
 * JSON for a header, with non-ASCII characters escaped. `undefined` if the data of the application cannot be
 * serialized.
 */
function asciiJson(value: object): string | undefined {
  try {
    const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escaped);
  } catch {
    return undefined;
  }
}
