import { Inject, Injectable, type OnModuleInit, type Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';

import { ClerkPolicyError } from '../errors/clerk.errors.js';
import { PolicyReader, type Handler } from './policy.reader.js';

/**
 * Looks at every handler of every controller when the application starts, so that a decorator that cannot mean what
 * it says stops the boot instead of surprising somebody later.
 */
@Injectable()
export class PolicyAudit implements OnModuleInit {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(PolicyReader) private readonly policies: PolicyReader,
  ) {}

  /** @throws ClerkPolicyError naming every handler that cannot be protected as decorated. */
  onModuleInit(): void {
    const problems = this.discovery
      .getControllers()
      .flatMap(({ metatype }) => this.problemsOf(metatype as Type | undefined | null));
    if (problems.length > 0) throw new ClerkPolicyError([...new Set(problems)]);
  }

  private problemsOf(controller: Type | undefined | null): readonly string[] {
    const prototype = controller?.prototype as Record<string, unknown> | undefined;
    if (!controller || !prototype) return [];
    return this.scanner
      .getAllMethodNames(prototype)
      .map((name) => prototype[name] as Handler)
      .flatMap((handler) => this.policies.read(controller, handler).problems);
  }
}
