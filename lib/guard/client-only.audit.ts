import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';

import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import { CLIENT_ONLY, isClientOnly } from '../options/client-only.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { HandlersExplorer } from '../transports/handlers.explorer.js';
import { GuardCoverage } from './guard-coverage.js';

/** Fails the boot if the application guards handlers but has no key to verify callers with. */
@Injectable()
export class ClientOnlyAudit implements OnModuleInit {
  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: ResolvedClerkOptions,
    private readonly explorer: HandlersExplorer,
    private readonly coverage: GuardCoverage,
  ) {}

  /** @throws ClerkConfigurationError if an option is missing; the message names it and the guarded handlers */
  onModuleInit(): void {
    if (!isClientOnly(this.options)) return;
    const guarded = this.explorer
      .explore()
      .flatMap(({ type, methods }) =>
        methods
          .filter(({ handler, transports }) => transports.some((one) => this.coverage.covers(type, handler, one)))
          .map(({ name }) => `${type.name}.${name}`),
      );
    if (guarded.length > 0) throw new ClerkConfigurationError([`${CLIENT_ONLY} It guards ${guarded.join(', ')}.`]);
  }
}
