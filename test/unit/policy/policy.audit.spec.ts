import { Controller, Get, Injectable, type INestApplicationContext, type ModuleMetadata } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { Query } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

import { anyOf, Public, RequireAuth, RequirePermission, RequireThat } from '../../../lib/index.js';
import { CLERK_OPTIONS } from '../../../lib/options/resolved-options.js';
import { HandlersExplorer } from '../../../lib/policy/handlers.explorer.js';
import { PolicyAudit } from '../../../lib/policy/policy.audit.js';
import { PolicyReader } from '../../../lib/policy/policy.reader.js';
import { PredicateInstances } from '../../../lib/policy/predicate-instances.js';
import { contextOf } from '../../support/application-context.js';

const AUDIT = [PolicyAudit, HandlersExplorer, PolicyReader, PredicateInstances];
const CLERK = {
  provide: CLERK_OPTIONS,
  useValue: {
    ...{ protection: 'strict', treatPendingAsSignedOut: true, redirectToSignIn: false },
    ...{ explainDenials: false, machineOnly: false },
  },
};
const UNROUTED =
  'is decorated, but Nest does not route calls to it: it is no route of a controller, no resolver and no message handler, so no guard runs before it. Move the decorator to the handler, or remove it.';
const EMPTY = '@RequirePermission() asks for nothing, which nobody fulfils: name at least one right.';

class WithCheck {
  check() {
    return true;
  }
}
@Injectable()
class Unasked {
  constructor(readonly needed: WithCheck) {}
  check() {
    return true;
  }
}
@Controller('fine')
class Fine {
  @Get() @RequirePermission('org:a') @RequireThat(WithCheck) list() {}
  helper() {}
}

describe('PolicyAudit', () => {
  let context: INestApplicationContext | undefined;
  afterEach(async () => {
    await context?.close();
    context = undefined;
  });

  async function start({ providers = [], controllers = [] }: ModuleMetadata) {
    context = await contextOf({ providers: [...AUDIT, CLERK, ...providers], controllers });
    return { instances: context.get(PredicateInstances) };
  }
  const problemsOf = (metadata: ModuleMetadata) =>
    start(metadata).then(
      () => [],
      (error: { name: string; problems: string[] }) =>
        error.name === 'ClerkPolicyError' ? error.problems : [String(error)],
    );

  it('lets an application start that means what it says, with its predicates made', async () => {
    class Service {
      list() {}
    }
    const { instances } = await start({ controllers: [Fine], providers: [Service] });
    expect(instances.of(Fine, WithCheck)).toBeInstanceOf(WithCheck);
  });

  it('tells of decorators where no guard runs', async () => {
    @RequireAuth()
    class OnClass {
      list() {}
    }
    class OnMethod {
      @RequireAuth() list() {}
      @Public() open() {}
      helper() {}
    }
    @RequireAuth()
    class OnBoth {
      @RequireAuth() list() {}
    }
    class Derived extends OnClass {}
    @RequireAuth()
    @Controller('unrouted')
    class Helping {
      @Public() helper() {}
    }
    const places = 'OnBoth.list, OnBoth, OnClass, OnMethod.list, OnMethod.open, Helping.helper'.split(', ');
    const found = await problemsOf({ providers: [OnBoth, OnClass, OnMethod, Derived], controllers: [Helping] });
    expect(found).toEqual([expect.stringMatching(/^[\w., ]+: is decorated, but /)]);
    const [told = '', problem] = found[0]!.split(': is decorated');
    expect(`is decorated${problem}`).toBe(UNROUTED);
    expect(told.split(', ').sort()).toEqual(places.sort());
  });

  it('takes the word of a class by whose methods calls come in', async () => {
    @RequireAuth()
    class Resolving {
      @Query(() => String) list() {}
      helper() {}
    }
    @RequireAuth()
    @WebSocketGateway()
    class Listening {
      @SubscribeMessage('list') list() {}
    }
    @RequireAuth()
    @Controller('empty')
    class Empty {}
    expect(await problemsOf({ providers: [Resolving, Listening], controllers: [Empty] })).toEqual([]);
  });

  it('tells of all that is wrong, of each mistake once with its places', async () => {
    @Controller('wrong')
    class Wrong {
      @Get('a') @RequirePermission(anyOf()) a() {}
      @Get('b') @RequirePermission(anyOf()) @RequireThat(Unasked) @RequireThat(WithCheck) b() {}
      @Public() helper() {}
    }
    expect(await problemsOf({ controllers: [Fine, Wrong] })).toEqual([
      `Wrong.a, Wrong.b: ${EMPTY}`,
      expect.stringMatching(/^Wrong\.b: @RequireThat\(Unasked\) cannot be asked: .* in the module of Wrong\.$/),
      `Wrong.helper: ${UNROUTED}`,
    ]);
  });

  it('leaves the predicates unmade of a class that stands in no module, and so nobody passes', async () => {
    const discovery = { getControllers: () => [{ metatype: Fine }], getProviders: () => [] };
    const { instances } = await start({ providers: [{ provide: DiscoveryService, useValue: discovery }] });
    expect(instances.of(Fine, WithCheck)).toBeUndefined();
  });
});
