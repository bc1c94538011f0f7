import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';

/** A `WsException` of Nest: what it is made with reaches the client as the event `exception`. */
type WsException = new (error: object) => Error;

const require = createRequire(import.meta.url);
const NAME = '@nestjs/websockets';

/** Nest's package for gateways, an optional peer: it is loaded when a gateway needs it and not before. */
@Injectable()
export class WebSocketPackage {
  private exceptionClass: WsException | undefined;

  /** Nest's filter tells a `WsException` by its class, and answers anything else "Internal server error". */
  exception(error: object): Error {
    this.exceptionClass ??= (require(NAME) as { WsException: WsException }).WsException;
    return new this.exceptionClass(error);
  }

  /** Sends a client the event `exception` for a message that failed, as Nest's own filter does. */
  answer(error: object, host: ArgumentsHost): void {
    const { BaseWsExceptionFilter } = require(NAME) as { BaseWsExceptionFilter: new () => ExceptionFilter };
    new BaseWsExceptionFilter().catch(this.exception(error), host);
  }

  /** Before Nest 12, no guard that is registered for the whole application runs before a gateway's handlers. */
  hasGlobalGuards(): boolean {
    return this.majorVersion() >= 12;
  }

  private majorVersion(): number {
    const manifest = join(dirname(require.resolve(NAME)), 'package.json');
    return Number.parseInt((JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version, 10);
  }
}
