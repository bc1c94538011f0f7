import { Inject, Injectable, type ExecutionContext, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { ClerkTransportError } from '../errors/clerk.errors.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { AdaptedTransport } from './custom/adapted.transport.js';
import { GraphqlConnections } from './graphql/graphql.connections.js';
import { GraphqlTransport } from './graphql/graphql.transport.js';
import { HttpTransport } from './http/http.transport.js';
import { RpcExceptions } from './rpc/rpc-exception.js';
import { RpcTransport } from './rpc/rpc.transport.js';
import type { Transport } from './transport.js';
import { WebSocketTransport } from './websocket/websocket.transport.js';

/** Finds the transport of a call by its context type. */
@Injectable()
export class TransportsRegistry implements OnApplicationBootstrap {
  private readonly http: HttpTransport;
  private readonly transports: ReadonlyMap<string, Transport>;

  constructor(
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
    @Inject(CLERK_OPTIONS) options: Pick<ResolvedClerkOptions, 'rpc' | 'transports' | 'authorizedParties' | 'graphql'>,
    @Inject(WebSocketTransport) webSocket: WebSocketTransport,
    @Inject(LogThrottle) throttle: LogThrottle,
    @Inject(GraphqlConnections) connections: GraphqlConnections,
    @Inject(RpcExceptions) rpcExceptions: RpcExceptions,
  ) {
    this.http = new HttpTransport(adapterHost, options.authorizedParties);
    const adapters = Object.entries(options.transports ?? {});
    this.transports = new Map<string, Transport>([
      ...adapters.map(([type, adapter]) => [type, new AdaptedTransport(type, adapter, throttle)] as const),
      ['http', this.http],
      ['rpc', new RpcTransport(options, throttle, rpcExceptions)],
      ['graphql', new GraphqlTransport(throttle, options.authorizedParties, options.graphql, connections)],
      ['ws', webSocket],
    ]);
  }

  onApplicationBootstrap(): void {
    this.http.warnWhereAuthIsTaken();
  }

  /** @throws ClerkTransportError if no adapter exists for the type; the call is denied */
  for(context: ExecutionContext): Transport {
    const type = context.getType<string>();
    const transport = this.transports.get(type);
    if (!transport) throw new ClerkTransportError(type);
    return transport;
  }
}
