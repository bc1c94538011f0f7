import { ForbiddenException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';

/** What is used of Nest's package for gateways. */
interface Exports {
  /** What it is made with reaches the client as the event `exception`. */
  readonly WsException: new (error: object) => Error;
  readonly BaseWsExceptionFilter: new () => ExceptionFilter;
}

/** Nest's package for gateways, an optional peer. */
export class WebSocketPackage {
  /**
   * Loads it, where the application has it, as Nest does at every start.
   *
   * Bundlers have to see each `import()` with the name in it, so that the application and this library get one and the
   * same class, and they accept a missing package only directly inside of a `try`.
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
   * @param exports Absent where the package is, or out of reach.
   * @param reachedByGlobalGuards Whether guards of the whole application run before a gateway's handlers.
   */
  constructor(
    private readonly exports?: Exports,
    private readonly reachedByGlobalGuards = false,
  ) {}

  /** Before Nest 12, no guard that is registered for the whole application runs before a gateway's handlers. */
  hasGlobalGuards(): boolean {
    return this.reachedByGlobalGuards;
  }

  /**
   * Nest's filter recognises a `WsException` by its class, and answers anything else "Internal server error", which
   * denies the call as well.
   */
  exception(body: object): Error {
    return this.exports ? new this.exports.WsException(body) : new ForbiddenException(body);
  }

  /** Sends a client the event `exception` for a message that failed, as Nest's own filter does. */
  answer(body: object, host: ArgumentsHost): void {
    const error = this.exception(body);
    if (!this.exports) throw error;
    new this.exports.BaseWsExceptionFilter().catch(error, host);
  }
}

/**
 * Global guards are part of the application's configuration, which the module hands to its gateways since Nest 12. The
 * version cannot be asked for: a bundle has no package.json of its packages.
 */
function knowsGlobalGuards(SocketModule: { readonly prototype: object }): boolean {
  const { getContextCreator } = SocketModule.prototype as { getContextCreator?: (...args: unknown[]) => unknown };
  return (getContextCreator?.length ?? 0) > 1;
}
