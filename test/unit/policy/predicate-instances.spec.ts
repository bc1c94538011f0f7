import { Inject, Injectable, Module, Scope, type INestApplicationContext, type ModuleMetadata } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';

import { PredicateInstances } from '../../../lib/policy/predicate-instances.js';
import { contextOf } from '../../support/application-context.js';

@Injectable()
class Routes {
  constructor(readonly moduleRef: ModuleRef) {}
}
class Ledger {}

@Injectable()
class OwnsInvoice {
  constructor(readonly ledger: Ledger) {}
  check() {
    return true;
  }
}
class Undecorated {
  check() {
    return true;
  }
}
@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  check() {
    return true;
  }
}
@Injectable()
class NeedsPerRequest {
  constructor(readonly needed: PerRequest) {}
  check() {
    return true;
  }
}
@Injectable({ scope: Scope.TRANSIENT })
class Transient {
  check() {
    return true;
  }
}
@Injectable()
class Throwing {
  constructor(@Inject('thrown') thrown: unknown) {
    throw thrown;
  }
  check() {
    return true;
  }
}

describe('PredicateInstances', () => {
  let context: INestApplicationContext;
  let moduleRef: ModuleRef;
  let instances: PredicateInstances;
  afterEach(() => context.close());

  async function prepare(predicate: any, { providers = [], imports = [] }: ModuleMetadata = {}) {
    context = await contextOf({ providers: [Routes, ...providers], imports });
    ({ moduleRef } = context.get(Routes));
    instances = new PredicateInstances();
    return instances.prepare(Routes, moduleRef, predicate);
  }

  it.each([
    ['an arrow function', () => true],
    ['a named function', function named() {}],
    ['a class without check()', class {}],
  ])('creates no instance of %s', async (_, one) => {
    expect(await prepare(one)).toBeUndefined();
    expect(instances.of(Routes, one as never)).toBeUndefined();
  });

  it('uses the provider of the application, whatever module provides it', async () => {
    @Module({ providers: [OwnsInvoice, Ledger] })
    class Elsewhere {}
    expect(await prepare(OwnsInvoice, { imports: [Elsewhere] })).toBeUndefined();
    expect(instances.of(Routes, OwnsInvoice)).toBe(context.get(OwnsInvoice, { strict: false }));
  });

  it.each([
    [OwnsInvoice, { ledger: expect.any(Ledger) }],
    [Undecorated, {}],
    [Transient, {}],
  ])('creates an instance of %p if the application provides none', async (predicate, holding) => {
    expect(await prepare(predicate, { providers: [Ledger] })).toBeUndefined();
    expect(instances.of(Routes, predicate)).toBeInstanceOf(predicate);
    expect(instances.of(Routes, predicate)).toMatchObject(holding);
  });

  it('creates one instance for each controller', async () => {
    class Others {}
    await prepare(Undecorated);
    const first = instances.of(Routes, Undecorated);
    expect(await instances.prepare(Routes, moduleRef, Undecorated)).toBeUndefined();
    expect(instances.of(Routes, Undecorated)).toBe(first);
    expect(instances.of(Others, Undecorated)).toBeUndefined();
    await instances.prepare(Others, moduleRef, Undecorated);
    expect(instances.of(Others, Undecorated)).toBeInstanceOf(Undecorated);
    expect(instances.of(Others, Undecorated)).not.toBe(first);
  });

  it('keeps the instances of two classes for one controller', async () => {
    await prepare(Undecorated);
    const first = instances.of(Routes, Undecorated);
    await instances.prepare(Routes, moduleRef, Transient);
    expect(instances.of(Routes, Undecorated)).toBe(first);
    expect(instances.of(Routes, Transient)).toBeInstanceOf(Transient);
  });

  const scoped = (name: string) => `${name} is marked as a scoped provider. `;
  it.each<[string, { name: string }, ModuleMetadata, string]>([
    ['has a missing dependency', OwnsInvoice, {}, "Nest can't resolve dependencies of the OwnsInvoice (?). "],
    ['is request-scoped', PerRequest, {}, 'PerRequest is request-scoped.'],
    ['is a request-scoped provider', PerRequest, { providers: [PerRequest] }, scoped('PerRequest')],
    [
      'injects a request-scoped provider',
      NeedsPerRequest,
      { providers: [PerRequest, NeedsPerRequest] },
      scoped('NeedsPerRequest'),
    ],
    ['is a transient provider', Transient, { providers: [Transient] }, scoped('Transient')],
    [
      'throws an Error in its constructor',
      Throwing,
      { providers: [{ provide: 'thrown', useValue: new Error('1\n2') }] },
      '1',
    ],
    [
      'throws a string in its constructor',
      Throwing,
      { providers: [{ provide: 'thrown', useValue: 'no ledger' }] },
      'no ledger',
    ],
  ])('returns a problem with the fix for a class that %s', async (_, predicate, metadata, why) => {
    const problem = await prepare(predicate, metadata);
    const [told = '', cure] = problem!.split(' Provide ');
    expect(told.slice(0, `@RequireThat(${predicate.name}) cannot be created: ${why}`.length)).toBe(
      `@RequireThat(${predicate.name}) cannot be created: ${why}`,
    );
    expect(told).not.toContain('\n');
    expect(cure).toBe(`${predicate.name}, not request-scoped, and what it injects in the module of Routes.`);
    expect(instances.of(Routes, predicate as never)).toBeUndefined();
  });
});
