import type { ArgumentsHost } from '@nestjs/common';

/**
 * Marks the object of one call. A registered symbol, shared by copies of this library. Data from the wire cannot
 * contain one.
 */
const CALL = Symbol.for('nest-clerk:call');
/** Set on an argument of a call, so that filters can find the call. */
const RECORD = Symbol.for('nest-clerk:seen-in');

/** One run of one handler, in a transport without a request object. The caller's identity is stored on it. */
export interface Call {
  readonly [CALL]: true;
  /** The array that Nest passes to guards and interceptors. Nest creates one for each run of a handler. */
  readonly args: unknown[];
  /** The context of the transport, or the object that an adapter names. */
  readonly source: object;
}

/** Records the call that an object was an argument of. */
interface CallRecord {
  readonly object: object;
  /** The call and its arguments, which tell it from others; `undefined` once the object was used in several calls. */
  only: { readonly call: Call; readonly originalArgs: readonly unknown[] } | undefined;
}

/** How a transport registers a call. */
interface CallOptions {
  readonly source: object;
  /** The index for an extra argument, after those that handlers and Nest read. */
  readonly place: (length: number) => number;
  /** An argument that is probably unique to this call. Filters find the call by it. */
  readonly uniqueArgument?: object;
}

/**
 * Registers the call of a handler, or returns the call that an earlier guard registered.
 *
 * The arguments of a transport (a client, a consumer, a payload) may be the same objects for every call, so they cannot
 * hold an identity. Only Nest's array of arguments is unique to a call. Parameter decorators receive copies of that
 * array, so the call is added as an extra argument.
 */
export function beginCall(args: unknown[], { source, place, uniqueArgument }: CallOptions): Call {
  const existing = callIn(args);
  if (existing?.args === args) return existing;
  // Remove a call that was copied from the arguments of another call.
  if (existing) args.splice(args.indexOf(existing), 1);
  const call: Call = { [CALL]: true, args, source };
  if (uniqueArgument) recordCall(uniqueArgument, call, [...args]);
  const index = place(args.length);
  while (args.length < index) args.push(undefined);
  args.splice(index, 0, call);
  return call;
}

/** The call that a guard registered in these arguments, or in the array that they are a copy of. */
export function callIn(args: readonly unknown[]): Call | undefined {
  return args.findLast(isCall);
}

/** The call of an interceptor, parameter or filter, if a guard registered one. */
export function callOf(context: ArgumentsHost): Call | undefined {
  const args = (context as Partial<ArgumentsHost>).getArgs?.<unknown[]>() ?? [];
  return callIn(args) ?? (isFilterContext(context) ? callWithArguments(args) : undefined);
}

/** The call that a guard registered, or a new object that stores nothing. */
export function registeredCall(context: ArgumentsHost): object {
  return callOf(context) ?? {};
}

/** Filters have no class or handler. They receive the arguments that Nest was called with. */
function isFilterContext(context: ArgumentsHost & { getHandler?: () => unknown }): boolean {
  return !context.getHandler?.();
}

/** The only call that had exactly these arguments. */
function callWithArguments(args: readonly unknown[]): Call | undefined {
  const calls = args.map((arg) => (isObject(arg) ? recordOn(arg)?.only : undefined));
  const found = calls.find((only) => only !== undefined);
  const isSame =
    found?.originalArgs.length === args.length && found.originalArgs.every((arg, index) => arg === args[index]);
  return isSame ? found.call : undefined;
}

function recordCall(uniqueArgument: object, call: Call, originalArgs: readonly unknown[]): void {
  const record = recordOn(uniqueArgument);
  if (record) record.only = undefined;
  // A frozen object cannot store the record. Filters then find no caller.
  else
    attempt(() =>
      Reflect.defineProperty(uniqueArgument, RECORD, {
        value: { object: uniqueArgument, only: { call, originalArgs } },
      }),
    );
}

/** Only the record of this object, not one that a copy or a Proxy inherits. */
function recordOn(object: object): CallRecord | undefined {
  const record = attempt(() => (object as { [RECORD]?: CallRecord })[RECORD]);
  return record?.object === object ? record : undefined;
}

function isCall(value: unknown): value is Call {
  return isObject(value) && attempt(() => Object.hasOwn(value, CALL)) === true;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Arguments may be Proxies, which may throw on any access. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
