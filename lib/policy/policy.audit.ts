import { Inject, Injectable, type OnModuleInit, type Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';

import { ClerkPolicyError } from '../errors/clerk.errors.js';
import { PolicyReader, type Handler } from './policy.reader.js';
import type { RoutePolicy } from './route-policy.js';

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
    const handlersOf = new Map<string, string[]>();
    for (const { metatype } of this.discovery.getControllers()) {
      for (const { name, problems } of this.policiesOf(metatype as Type | undefined | null)) {
        for (const problem of problems) handlersOf.set(problem, [...(handlersOf.get(problem) ?? []), name]);
      }
    }
    if (handlersOf.size === 0) return;
    throw new ClerkPolicyError([...handlersOf].map(([problem, handlers]) => `${handlers.join(', ')}: ${problem}`));
  }

  private policiesOf(controller: Type | undefined | null): RoutePolicy[] {
    const prototype = controller?.prototype as Record<string, Handler> | undefined;
    if (!controller || !prototype) return [];
    return this.scanner
      .getAllMethodNames(prototype)
      .map((name) => this.policies.read(controller, prototype[name] as Handler));
  }
}
