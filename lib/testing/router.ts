import { ApiError } from './api-error.js';

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

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handler: ApiHandler;
}

/** Finds the handler of a path. Each family of routes has one. */
export class Router {
  private readonly routes: readonly Route[];

  constructor(routes: Routes) {
    this.routes = Object.entries(routes).map(([key, handler]) => {
      const [method = '', path = ''] = key.split(' ');
      return {
        method,
        handler,
        pattern: new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`),
      };
    });
  }

  /** @throws ApiError 404 for an unknown path, 405 for a known one with another method. */
  find(method: string, path: string): { handler: ApiHandler; params: Readonly<Record<string, string>> } {
    const onPath = this.routes.filter(({ pattern }) => pattern.test(path));
    const route = onPath.find((candidate) => candidate.method === method);
    if (route) {
      const groups = Object.entries(route.pattern.exec(path)?.groups ?? {});
      return {
        handler: route.handler,
        params: Object.fromEntries(groups.map(([k, v]) => [k, decode(v)])),
      };
    }
    throw onPath.length > 0
      ? new ApiError(405, 'method_not_allowed', `${method} is not allowed here`)
      : new ApiError(404, 'resource_not_found', 'The local Clerk has no such endpoint');
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** One page of a list, as `limit` and `offset` ask for it. */
export function page<T>(all: readonly T[], query: URLSearchParams): T[] {
  const number = (name: string, fallback: number) => {
    const value = Number(query.get(name) ?? fallback);
    if (!Number.isInteger(value) || value < 0) {
      throw new ApiError(422, 'form_param_format_invalid', `${name} must be a whole number`, {
        param_name: name,
      });
    }
    return value;
  };
  const offset = number('offset', 0);
  return all.slice(offset, offset + Math.min(number('limit', 10), 500));
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
