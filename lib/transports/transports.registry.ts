import { Inject, Injectable, type ArgumentsHost, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';

import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS } from '../options/resolved-options.js';
import { ApplicationTransports } from './application-transports.js';
import { SkippedTransport } from './custom/skipped.transport.js';
import type { TransportKind, TransportServices } from './transport-kind.js';
import type { Transport } from './transport.js';

/** Finds the transport of a call by its context type. */
@Injectable()
export class TransportsRegistry implements OnApplicationBootstrap {
  private created: ReadonlyMap<string, Transport> | undefined;

  constructor(
    @Inject(ApplicationTransports) private readonly application: Pick<ApplicationTransports, 'kinds'>,
    @Inject(CLERK_OPTIONS) private readonly options: TransportServices['options'],
    private readonly throttle: LogThrottle,
    @Inject(ModuleRef) private readonly resolver: TransportServices['resolver'],
  ) {}

  onApplicationBootstrap(): void {
    for (const transport of this.transports.values()) transport.onApplicationBootstrap?.();
  }

  /** For a type without an adapter, a transport that lets only handlers with `@SkipAuth()` run. */
  for(context: ArgumentsHost): Transport {
    const type = context.getType<string>();
    return (this.created ?? this.transports).get(type) ?? new SkippedTransport(type, false);
  }

  /** Created when they are first needed: by then, the providers that they find are complete. */
  private get transports(): ReadonlyMap<string, Transport> {
    const { options, throttle, resolver } = this;
    const create = (kind: TransportKind) => [kind.type, kind.create({ options, throttle, resolver })] as const;
    return (this.created ??= new Map(this.application.kinds.map(create)));
  }
}
