import { ApiError } from './api-error.js';

interface Route<Handler> {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handler: Handler;
}

/** Finds the handler of a method and path. */
export class Router<Handler> {
  private readonly routes: readonly Route<Handler>[];

  /** @param routes handlers by `METHOD /path/:parameter` */
  constructor(routes: Readonly<Record<string, Handler>>) {
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
  find(method: string, path: string): { handler: Handler; params: Readonly<Record<string, string>> } {
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
