import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';

type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Under a registered symbol, as what is attached is: no payload can hold one, and copies of this library share it. */
const CARRIERS = Symbol.for('nest-clerk:carriers');

/** An object that stands for one call, and what is kept on it. */
interface Call {
  [CARRIERS]?: Map<Handler | null, object>;
}

/**
 * What carries the identity of a call that is no HTTP request, for one handler of it: Nest runs all handlers of an event
 * on the same object, at the same time, and each has a policy of its own.
 */
export function callCarrier(call: Call, context: ArgumentsHost): object {
  const carriers = call[CARRIERS] ?? mark(call);
  // A filter is told of no handler; where there was one alone, it is meant.
  const handler =
    (context as Partial<ExecutionContext>).getHandler?.() ?? (carriers.size === 1 ? first(carriers) : null);
  let carrier = carriers.get(handler);
  if (!carrier) carriers.set(handler, (carrier = {}));
  return carrier;
}

/** The object that stands for a microservice's call: the transport's context, which is made for each message. */
export function rpcCall(context: ArgumentsHost): object {
  const call: unknown = context.switchToRpc().getContext();
  // A transport strategy of the application's own may give none. The arguments are never the payload itself.
  return typeof call === 'object' && call !== null ? call : context.getArgs<unknown[]>();
}

/** The argument that an adapter of the application named to the guard, which ran before. */
export function adaptedCall(context: ArgumentsHost): object | undefined {
  const isCall = (value: unknown): value is object =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, CARRIERS);
  return (context as Partial<ArgumentsHost>).getArgs?.<unknown[]>().find(isCall);
}

function mark(call: Call): Map<Handler | null, object> {
  const carriers = new Map<Handler | null, object>();
  // Not enumerable, so that no copy of the object carries it on.
  Object.defineProperty(call, CARRIERS, { value: carriers });
  return carriers;
}

function first<Key>(map: ReadonlyMap<Key, unknown>): Key | null {
  return map.keys().next().value ?? null;
}
