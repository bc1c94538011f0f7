import { UseGuards, type Type } from '@nestjs/common';
import { ApplicationConfig, MetadataScanner, Reflector } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

import { ClerkGuard } from '../../../lib/guard/clerk.guard.js';
import { GuardCoverage } from '../../../lib/guard/guard-coverage.js';
import { PolicyAudit } from '../../../lib/guard/policy.audit.js';
import { Public, SkipAuth } from '../../../lib/index.js';
import { PolicyReader } from '../../../lib/policy/policy.reader.js';
import { PredicateInstances } from '../../../lib/policy/predicate-instances.js';
import { HandlersExplorer } from '../../../lib/transports/handlers.explorer.js';
import { TRANSPORT_KINDS } from '../../../lib/transports/transport-kinds.js';

@WebSocketGateway()
class Open {
  @SubscribeMessage('a') first() {}
  @SubscribeMessage('b') @Public() second() {}
  @SubscribeMessage('c') @SkipAuth() skipped() {}
  @SubscribeMessage('d') @UseGuards(ClerkGuard) guarded() {}
  helper() {}
}
@WebSocketGateway()
class OpenToo {
  @SubscribeMessage('a') first() {}
}
@WebSocketGateway()
@UseGuards(ClerkGuard)
class Guarded {
  @SubscribeMessage('a') first() {}
}
@WebSocketGateway()
@SkipAuth()
class Skipped {
  @SubscribeMessage('a') first() {}
}
class Service {
  first() {}
}

describe('PolicyAudit for gateways', () => {
  /** Boots with these classes. @param guardsGateways Whether Nest's global guards run before messages. */
  function boot(types: readonly Type[], guardsGateways: () => boolean, isGuarded = true): Promise<void> {
    const discovery = { getControllers: () => [], getProviders: () => types.map((metatype) => ({ metatype })) };
    const config = new ApplicationConfig();
    if (isGuarded) config.useGlobalGuards(Object.create(ClerkGuard.prototype) as ClerkGuard);
    return new PolicyAudit(
      new HandlersExplorer(discovery as never, new MetadataScanner(), { kinds: TRANSPORT_KINDS }),
      new PolicyReader(new Reflector(), {
        ...{ protection: 'strict', treatPendingAsSignedOut: true, redirectToSignIn: false },
        ...{ explainDenials: false, machineOnly: false },
      }),
      new PredicateInstances(),
      new GuardCoverage(config, new Map() as never, { get: () => ({ hasGlobalGuards: guardsGateways }) } as never),
    ).onModuleInit();
  }
  const notInstalled = (): never => {
    throw new Error('@nestjs/websockets is not installed');
  };

  it('stops the boot and names every message handler that no guard protects, with the fix', async () => {
    await expect(boot([Open, Guarded, Service, OpenToo, Skipped], () => false)).rejects.toThrow(
      expect.objectContaining({
        code: 'invalid-policy',
        problems: [
          'Open.first, Open.second, OpenToo.first: no guard runs before it: on Nest 11 no global guard reaches gateways. ' +
            'Add @UseGuards(ClerkGuard) to the gateway.',
        ],
      }),
    );
  });

  it.each<[string, readonly Type[], () => boolean, boolean?]>([
    ['Nest’s global guards run before messages', [Open], () => true, true],
    ['every gateway has a guard of its own or skips authentication', [Guarded, Skipped], () => false, true],
    ['there are no message handlers, without loading @nestjs/websockets', [Service], notInstalled, true],
    ['the application has no global guard', [Open], () => false, false],
  ])('lets the application start if %s', async (_, types, guardsGateways, isGuarded) => {
    await expect(boot(types, guardsGateways, isGuarded)).resolves.toBeUndefined();
  });
});
