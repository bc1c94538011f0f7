import { Inject, Injectable, type ArgumentsHost, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';

import { ClerkTransportError } from '../errors/clerk.errors.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS } from '../options/resolved-options.js';
import { ApplicationTransports } from './application-transports.js';
import type { TransportKind, TransportServices } from './transport-kind.js';
import type { Transport } from './transport.js';

/** Finds the transport of a call by its context type. */
@Injectable()
export class TransportsRegistry implements OnApplicationBootstrap {
  private created: ReadonlyMap<string, Transport> | undefined;

  constructor(
    @Inject(ApplicationTransports) private readonly application: Pick<ApplicationTransports, 'kinds'>,
    @Inject(CLERK_OPTIONS) private readonly options: TransportServices['options'],
    @Inject(LogThrottle) private readonly throttle: LogThrottle,
    @Inject(ModuleRef) private readonly resolver: TransportServices['resolver'],
  ) {}

  onApplicationBootstrap(): void {
    for (const transport of this.transports.values()) transport.onApplicationBootstrap?.();
  }

  /** @throws ClerkTransportError if no adapter exists for the type; the call is denied */
  for(context: ArgumentsHost): Transport {
    const type = context.getType<string>();
    const transport = (this.created ?? this.transports).get(type);
    if (!transport) throw new ClerkTransportError(type);
    return transport;
  }

  /** Created when they are first needed: by then, the providers that they find are complete. */
  private get transports(): ReadonlyMap<string, Transport> {
    const { options, throttle, resolver } = this;
    const create = (kind: TransportKind) => [kind.type, kind.create({ options, throttle, resolver })] as const;
    return (this.created ??= new Map(this.application.kinds.map(create)));
  }
}
