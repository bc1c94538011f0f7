import type { ArgumentsHost } from '@nestjs/common';

/**
 * Marks what stands for one call. A registered symbol, so that copies of this library share it; nothing that is sent
 * over the wire can carry one.
 */
const CALL = Symbol.for('nest-clerk:call');
/** On an argument of a call, where filters find the call by it. */
const SEEN = Symbol.for('nest-clerk:seen-in');

/** One run of one handler, in a transport that has no request object; the caller's identity is kept on it. */
export interface Call {
  readonly [CALL]: true;
  /** The very array that Nest hands to guards and interceptors: it makes one for each run of a handler. */
  readonly args: unknown[];
  /** What the transport calls with: its context, or what an adapter names. */
  readonly source: object;
}

/** The calls that an object was seen in. */
interface Seen {
  readonly object: object;
  /** What the call was made with, to tell it from another one; `undefined` once there were several. */
  only: { readonly call: Call; readonly given: readonly unknown[] } | undefined;
}

/** How a transport begins a call. */
interface Beginning {
  readonly source: object;
  /** Where one more argument goes unnoticed, behind those that anybody reads. */
  readonly place: (length: number) => number;
  /** What is made for this call alone as far as anybody knows: filters find the call by it. */
  readonly landmark?: object;
}

/**
 * Begins the call of a handler, or finds the one that an earlier guard has begun. What a transport hands over may be the
 * same for every call (a client, a consumer, a payload), so none of it can carry an identity. Only Nest's array of
 * arguments belongs to one call. Parameters get copies of it, hence one more argument is put there.
 */
export function beginCall(args: unknown[], { source, place, landmark }: Beginning): Call {
  const known = callIn(args);
  if (known?.args === args) return known;
  // One that came along with the arguments of another call is not to be found here.
  if (known) args.splice(args.indexOf(known), 1);
  const call: Call = { [CALL]: true, args, source };
  if (landmark) remember(landmark, call, [...args]);
  const index = place(args.length);
  while (args.length < index) args.push(undefined);
  args.splice(index, 0, call);
  return call;
}

/** The call that a guard has begun with these arguments, or with those that they are a copy of. */
export function callIn(args: readonly unknown[]): Call | undefined {
  return args.findLast(isCall);
}

/** The call that an interceptor, a parameter or a filter belongs to, if a guard has begun it. */
export function callOf(context: ArgumentsHost): Call | undefined {
  const args = (context as Partial<ArgumentsHost>).getArgs?.<unknown[]>() ?? [];
  return callIn(args) ?? (isOfFilter(context) ? seenIn(args) : undefined);
}

/** Filters are told neither class nor handler. Their arguments are those that Nest was called with. */
function isOfFilter(context: ArgumentsHost & { getHandler?: () => unknown }): boolean {
  return !context.getHandler?.();
}

/** The one call that all of these arguments were seen in, where there was no other. */
function seenIn(args: readonly unknown[]): Call | undefined {
  const calls = args.map((arg) => (isObject(arg) ? seenOf(arg)?.only : undefined));
  const found = calls.find((only) => only !== undefined);
  const isSame = found?.given.length === args.length && found.given.every((given, index) => given === args[index]);
  return isSame ? found.call : undefined;
}

function remember(landmark: object, call: Call, given: readonly unknown[]): void {
  const seen = seenOf(landmark);
  if (seen) seen.only = undefined;
  // On a frozen object it cannot be kept: filters find nobody then.
  else attempt(() => Reflect.defineProperty(landmark, SEEN, { value: { object: landmark, only: { call, given } } }));
}

/** Of the very object: what a copy or a Proxy of another one has is not its own. */
function seenOf(object: object): Seen | undefined {
  const seen = attempt(() => (object as { [SEEN]?: Seen })[SEEN]);
  return seen?.object === object ? seen : undefined;
}

function isCall(value: unknown): value is Call {
  return isObject(value) && attempt(() => Object.hasOwn(value, CALL)) === true;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What is handed over may be a Proxy, which may throw whatever is asked of it. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
