import type { Check } from './option-checks.js';

/** The environment variables that options are read from: `process.env`, except in tests. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Who may set an option:
 *
 * - `module`: it applies to the whole module, so `resolveOptions` must not return it.
 * - `instance`: it identifies the Clerk instance. `resolveOptions` may return it, and such options are never mixed from
 *   two sources.
 * - `request`: `resolveOptions` may return it for each request. What it leaves out is the module's.
 */
export type Scope = 'module' | 'instance' | 'request';

/** What an option may depend on besides its own value. */
export interface ResolveContext {
  readonly env: Environment;
  /** Whether the options are those of a tenant, returned by `resolveOptions`. */
  readonly isTenant: boolean;
}

/** Everything about an option except its name and documentation, which stand at its row. */
interface Definition<Value, S extends Scope> {
  readonly scope: S;
  /** Also determines the type of the option. */
  readonly check: Check<Value>;
  /** The environment variable that is read if the option is not set. */
  readonly env?: string;
  /** Parses the environment variable. */
  readonly parse?: (text: string) => unknown;
  /** Without this option no caller can be verified. */
  readonly required?: true;
  /** Only the first characters are shown when the options are logged. */
  readonly secret?: true;
  /** Compared by identity and never copied or frozen, since it may be an instance of a class. */
  readonly byIdentity?: true;
}

/** One option: the type that users set, the type after it was resolved, and its scope. */
export interface OptionRow<Value = unknown, Resolved = unknown, S extends Scope = Scope> extends Definition<Value, S> {
  readonly default?: Value;
  // A method, so that rows of different types fit into one list.
  resolve?(value: Value | undefined, context: ResolveContext): Resolved;
}

/** The parts of a row that determine the type of the resolved option. */
interface Resolver<Value, Resolved> {
  readonly default?: Value;
  /** Normalizes a valid value, or the default. Not called if any option is invalid. */
  resolve(value: Value | undefined, context: ResolveContext): Resolved;
}

/**
 * Defines an option. Scope and check are mandatory: without one of them the row does not compile. The resolved option has
 * the type that `resolve` returns, else that of the option; without `resolve` and `default` it may be undefined.
 */
export function option<Value, S extends Scope, Resolved>(
  row: Definition<Value, S> & Resolver<NoInfer<Value>, Resolved>,
): OptionRow<Value, Resolved, S>;
export function option<Value, S extends Scope>(
  row: Definition<Value, S> & { readonly default: NoInfer<Value> },
): OptionRow<Value, Value, S>;
export function option<Value, S extends Scope>(row: Definition<Value, S>): OptionRow<Value, Value | undefined, S>;
export function option(row: OptionRow): OptionRow {
  return row;
}

type ValueOf<Row> = Row extends OptionRow<infer Value> ? Value : never;
type ResolvedValueOf<Row> = Row extends OptionRow<unknown, infer Resolved> ? Frozen<Resolved> : never;
type Frozen<Value> = Value extends readonly (infer Item)[] ? readonly Item[] : Value;

/** The options of these rows as users set them. The mapped type keeps the documentation of each row. */
export type OptionsOf<Rows> = { [Name in keyof Rows]?: ValueOf<Rows[Name]> | undefined };

/** Those of them that `resolveOptions` may return. */
export type RequestOptionsOf<Rows> = {
  [Name in keyof Rows as Rows[Name] extends { readonly scope: 'module' } ? never : Name]?:
    ValueOf<Rows[Name]> | undefined;
};

/** The options of these rows after environment, defaults, checks and normalization. */
export type ResolvedOptionsOf<Rows> = { readonly [Name in keyof Rows]: ResolvedValueOf<Rows[Name]> };
