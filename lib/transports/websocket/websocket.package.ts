import { ForbiddenException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';

/** The exports of @nestjs/websockets that are used. */
interface Exports {
  /** Its argument reaches the client as the event `exception`. */
  readonly WsException: new (error: object) => Error;
  readonly BaseWsExceptionFilter: new () => ExceptionFilter;
}

/** Nest's package for gateways (`@nestjs/websockets`), an optional peer. */
export class WebSocketPackage {
  /**
   * Loads the package if it is installed.
   *
   * Bundlers need a literal name in each `import()`, so that the application and this library share one class. They
   * accept a missing package only directly inside of a `try`.
   */
  static async load(): Promise<WebSocketPackage> {
    try {
      const { WsException, BaseWsExceptionFilter } = await import('@nestjs/websockets');
      const { SocketModule } = await import('@nestjs/websockets/socket-module.js');
      return new WebSocketPackage({ WsException, BaseWsExceptionFilter }, knowsGlobalGuards(SocketModule));
    } catch {
      return new WebSocketPackage();
    }
  }

  /**
   * @param exports Absent if the package is not installed or cannot be resolved.
   * @param reachedByGlobalGuards Whether global guards run before a gateway's handlers.
   */
  constructor(
    private readonly exports?: Exports,
    private readonly reachedByGlobalGuards = false,
  ) {}

  /** Whether global guards run before a gateway's handlers. They do since Nest 12. */
  hasGlobalGuards(): boolean {
    return this.reachedByGlobalGuards;
  }

  /**
   * The exception for Nest's filter, which recognizes `WsException` by its class. Any other error denies the call as
   * well, as "Internal server error".
   */
  exception(body: object): Error {
    return this.exports ? new this.exports.WsException(body) : new ForbiddenException(body);
  }

  /** Sends the event `exception` for a failed message, like Nest's own filter. */
  answer(body: object, host: ArgumentsHost): void {
    const error = this.exception(body);
    if (!this.exports) throw error;
    new this.exports.BaseWsExceptionFilter().catch(error, host);
  }
}

/**
 * Detects whether global guards reach gateways. Since Nest 12 the module passes its application configuration, which
 * holds them, to its gateways. A version check is not possible, because bundles lack the package.json of their
 * packages.
 */
function knowsGlobalGuards(SocketModule: { readonly prototype: object }): boolean {
  const { getContextCreator } = SocketModule.prototype as { getContextCreator?: (...args: unknown[]) => unknown };
  return (getContextCreator?.length ?? 0) > 1;
}
