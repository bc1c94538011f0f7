import { UseGuards, type CanActivate } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';

import { ClerkGuard } from '../../../lib/guard/clerk.guard.js';
import { hasGlobalGuard, hasOwnGuard } from '../../../lib/guard/guarded.js';

class Derived extends ClerkGuard {}
class Other implements CanActivate {
  canActivate() {
    return true;
  }
}
const ours = Object.create(ClerkGuard.prototype) as ClerkGuard;
const derived = Object.create(Derived.prototype) as ClerkGuard;
const lookalike = { constructor: ClerkGuard, canActivate: () => true };

describe('hasGlobalGuard', () => {
  it.each<[string, CanActivate[], unknown[], boolean]>([
    ['no guard', [], [], false],
    ['ours', [ours], [], true],
    ['one derived from it', [derived], [], true],
    ['ours beside another', [new Other(), ours], [], true],
    ['another', [new Other()], [], false],
    ['one that only looks like it', [lookalike], [], false],
    ['ours for each request', [], [ClerkGuard], true],
    ['a derived one for each request', [], [Other, Derived], true],
    ['another for each request', [], [Other, undefined, () => true], false],
  ])('%s', (_, guards, perRequest, guarded) => {
    const config = new ApplicationConfig();
    config.useGlobalGuards(...guards);
    for (const metatype of perRequest) config.addGlobalRequestGuard({ metatype } as never);
    expect(hasGlobalGuard(config)).toBe(guarded);
  });
});

describe('hasOwnGuard', () => {
  class Routes {
    bare() {}
    @UseGuards(ClerkGuard) own() {}
    @UseGuards(Other, derived) instance() {}
    @UseGuards(Other) other() {}
  }
  @UseGuards(Derived)
  class Guarded {
    bare() {}
  }

  it.each([
    [Routes, 'bare', false],
    [Routes, 'own', true],
    [Routes, 'instance', true],
    [Routes, 'other', false],
    [Guarded, 'bare', true],
  ] as const)('%p %s: %s', (type, name, guarded) => {
    expect(hasOwnGuard(type, (type.prototype as Routes)[name as 'bare'])).toBe(guarded);
  });
});
