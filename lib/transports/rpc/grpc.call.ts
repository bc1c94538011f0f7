import { isObject } from '../calls.js';
import { grpcStatusOf, isGrpcErrorStatus } from './grpc.status.js';

/** What is read of the metadata of `@grpc/grpc-js`, an optional package that no type of ours names. */
interface GrpcMetadata {
  clone(): GrpcMetadata;
  set(name: string, value: string): void;
}

/** What is read of a call of `@grpc/grpc-js`, whichever way it streams. */
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

/** Clients refuse trailers that are too long (8 KiB by default), and would lose the status with them. */
const MAX_TRAILER_LENGTH = 4_096;

/**
 * The gRPC call among a handler's arguments; `undefined` over every other transport. Nest passes it as the third argument,
 * and to `@GrpcStreamCall()` handlers as the first. It is told by its methods, which no payload of a message has.
 */
export function grpcCallOf(args: readonly unknown[]): GrpcCall | undefined {
  const [first, , third] = args;
  return [third, first].find(isGrpcCall);
}

/**
 * What the other transports answer, as an error of gRPC. The body is in the trailing metadata: all of it as JSON
 * (`clerk-error`), and its code alone (`clerk-error-code`).
 *
 * @param original The application's own error, which may state a gRPC status, details and metadata.
 */
export function grpcErrorOf(body: object, { metadata: received }: GrpcCall, original: object = {}): GrpcError {
  const { statusCode, code, message } = body as Partial<Record<'statusCode' | 'code' | 'message', unknown>>;
  const { code: own, details, metadata: given } = original as Partial<Record<'code' | 'details' | 'metadata', unknown>>;
  // Metadata of the very class that this call uses, without importing its package.
  const Metadata = received.constructor as new () => GrpcMetadata;
  const metadata = given instanceof Metadata ? given.clone() : new Metadata();
  for (const [name, value] of [
    ['clerk-error-code', typeof code === 'string' ? code : undefined],
    ['clerk-error', asciiJson(body)],
  ] as const) {
    if (value && /^[\x20-\x7e]+$/.test(value) && value.length <= MAX_TRAILER_LENGTH) metadata.set(name, value);
  }
  // Unpaired surrogates make grpc-js throw outside of any handler, which ends the process.
  const text = String(typeof details === 'string' ? details : message).replace(/\p{Surrogate}/gu, '\ufffd');
  const error = {
    code: isGrpcErrorStatus(own) ? own : grpcStatusOf(Number(statusCode)),
    message: text,
    details: text,
    metadata,
  };
  // Nest emits it on the call of a client's stream, and hears itself: by this word it ends the stream. For any other error
  // Nest 11 reads what it has cleaned up by then, which ends the process.
  return Object.defineProperty(error, 'toString', { value: () => `cancelled: ${text}` });
}

/**
 * Answers a `@GrpcStreamCall()` itself. Nest awaits such a handler in a promise that nobody listens to, so that an error
 * of a guard or a parameter is never answered, and ends the process as an unhandled rejection.
 *
 * @returns a promise that never settles, so that the handler never runs; `undefined` for every other call.
 */
export function endGrpcStreamCall(args: readonly unknown[], error: Error): Promise<never> | undefined {
  const [call, callback] = args;
  if (!isGrpcCall(call)) return undefined;
  const said: unknown = (error as Error & { getError?(): unknown }).getError?.() ?? error;
  const answer = isObject(said) ? said : { message: String(said) };
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

/** JSON that fits into a header: what is beyond ASCII is escaped. `undefined` where the application's data has none. */
function asciiJson(value: object): string | undefined {
  try {
    const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escaped);
  } catch {
    return undefined;
  }
}
