import { invalidFormat } from '../api-error.js';

/** A parsed call of the Backend API. */
export interface ApiCall {
  /** The path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON body; empty if there is none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The id of the machine whose secret key is used, if it is not the instance's. */
  readonly machineId: string | undefined;
}

/** Returns the JSON body of the response, or throws an ApiError. */
export type ApiHandler = (call: ApiCall) => unknown;

/** Handlers by `METHOD /path/:parameter`. */
export type Routes = Readonly<Record<string, ApiHandler>>;

/** One page of a list, by `limit` and `offset`. */
export function page<T>(all: readonly T[], query: URLSearchParams): T[] {
  const number = (name: string, fallback: number, minimum: number, maximum: number) => {
    const value = Number(query.get(name) ?? fallback);
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      throw invalidFormat(name, `be a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  };
  const offset = number('offset', 0, 0, Number.MAX_SAFE_INTEGER);
  return all.slice(offset, offset + number('limit', 10, 1, 500));
}

/** One page: with the total count if the query has `paginated`, else a plain array. */
export function pageOrPaginated<T>(
  all: readonly T[],
  query: URLSearchParams,
): T[] | { data: T[]; total_count: number } {
  return query.get('paginated') === 'true' ? paginated(all, query) : page(all, query);
}

/** One page, with the total count. */
export function paginated<T>(all: readonly T[], query: URLSearchParams): { data: T[]; total_count: number } {
  return { data: page(all, query), total_count: all.length };
}

/** Clerk's response to a deletion. */
export const deleted = (object: string, id: string) => ({ object, id, deleted: true });
