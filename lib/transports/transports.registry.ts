import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { ClerkTransportError } from '../errors/clerk.errors.js';
import { HttpTransport } from './http.transport.js';
import type { Transport } from './transport.js';
import { WebSocketTransport } from './websocket.transport.js';

/** Finds the transport of a call by its context type. */
@Injectable()
export class TransportsRegistry {
  private readonly transports: ReadonlyMap<string, Transport>;

  constructor(
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
    @Inject(WebSocketTransport) webSocket: WebSocketTransport,
  ) {
    this.transports = new Map<string, Transport>([
      ['http', new HttpTransport(adapterHost)],
      ['ws', webSocket],
    ]);
  }

  /** @throws ClerkTransportError for a type that no adapter knows: such a call is denied. */
  for(context: ExecutionContext): Transport {
    const type = context.getType<string>();
    const transport = this.transports.get(type);
    if (!transport) throw new ClerkTransportError(type);
    return transport;
  }
}
