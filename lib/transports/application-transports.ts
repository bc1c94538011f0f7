import { Inject, Injectable } from '@nestjs/common';

import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { adaptedKind } from './custom/adapted.kind.js';
import type { TransportKind } from './transport-kind.js';

/** Injection token of the built-in transports, `TRANSPORT_KINDS`. */
export const BUILT_IN_TRANSPORTS = Symbol('nest-clerk:built-in-transports');

/** The transports of an application: the built-in ones, then those of the option `transports`. */
@Injectable()
export class ApplicationTransports {
  readonly kinds: readonly TransportKind[];

  /** @throws ClerkConfigurationError if the option `transports` names a built-in transport */
  constructor(
    @Inject(BUILT_IN_TRANSPORTS) builtIn: readonly TransportKind[],
    @Inject(CLERK_OPTIONS) { transports = {} }: Pick<ResolvedClerkOptions, 'transports'>,
  ) {
    const clashes = builtIn.filter(({ type }) => Object.hasOwn(transports, type));
    if (clashes.length > 0) {
      throw new ClerkConfigurationError(
        clashes.map(({ type }) => `transports.${type} is built in and takes no adapter.`),
      );
    }
    this.kinds = [...builtIn, ...Object.entries(transports).map(([type, adapter]) => adaptedKind(type, adapter))];
  }

  /** The position of a transport in the protection map. */
  indexOf(type: string): number {
    return this.kinds.findIndex((kind) => kind.type === type);
  }
}
