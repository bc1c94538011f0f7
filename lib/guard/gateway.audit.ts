import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';

import { ClerkPolicyError } from '../errors/clerk.errors.js';
import { HandlersExplorer } from '../policy/handlers.explorer.js';
import { PolicyReader } from '../policy/policy.reader.js';
import { WebSocketPackage } from '../transports/websocket.package.js';
import { hasGlobalGuard, hasOwnGuard } from './guarded.js';

/**
 * Finds, when the application starts, the gateways that its guard would leave open: before Nest 12, what is registered
 * for the whole application does not run before messages.
 */
@Injectable()
export class GatewayAudit implements OnModuleInit {
  constructor(
    @Inject(HandlersExplorer) private readonly explorer: HandlersExplorer,
    @Inject(PolicyReader) private readonly policies: PolicyReader,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(WebSocketPackage) private readonly websockets: WebSocketPackage,
  ) {}

  /** @throws ClerkPolicyError naming every handler that nothing stands before, where the application is to be guarded. */
  onModuleInit(): void {
    if (!hasGlobalGuard(this.config)) return;
    const messages = this.explorer
      .explore()
      .flatMap(({ type, methods }) =>
        methods
          .filter(({ transports }) => transports.includes('ws'))
          .map(({ name, handler }) => ({ type, handler, name: `${type.name}.${name}` })),
      );
    if (messages.length === 0 || this.websockets.hasGlobalGuards()) return;
    const open = messages.filter(
      ({ type, handler }) => !hasOwnGuard(type, handler) && this.policies.read(type, handler).protection !== 'skip',
    );
    if (open.length > 0) throw new ClerkPolicyError([`${open.map(({ name }) => name).join(', ')}: ${UNGUARDED}`]);
  }
}

const UNGUARDED =
  'no guard runs before it: on Nest 11 no global guard reaches gateways. Add @UseGuards(ClerkGuard) to the gateway.';
