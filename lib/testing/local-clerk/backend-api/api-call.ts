import { invalidFormat } from '../api-error.js';

/** One call of the Backend API, taken apart. */
export interface ApiCall {
  /** Parts of the path, by the names of the pattern. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON body; empty where none was sent. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The id of the machine whose secret the call carries, if it is not the instance's. */
  readonly machineId: string | undefined;
}

/** Answers a call with a JSON body, or throws an ApiError. */
export type ApiHandler = (call: ApiCall) => unknown;

/** Handlers by `METHOD /path/:parameter`. */
export type Routes = Readonly<Record<string, ApiHandler>>;

/** One page of a list, as `limit` and `offset` ask for it. */
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

/** One page; with the count of all where the query says `paginated`, else a bare array. */
export function pageOrPaginated<T>(
  all: readonly T[],
  query: URLSearchParams,
): T[] | { data: T[]; total_count: number } {
  return query.get('paginated') === 'true' ? paginated(all, query) : page(all, query);
}

/** One page, with the count of all. */
export function paginated<T>(all: readonly T[], query: URLSearchParams): { data: T[]; total_count: number } {
  return { data: page(all, query), total_count: all.length };
}

/** Clerk's answer to a deletion. */
export const deleted = (object: string, id: string) => ({ object, id, deleted: true });
