import type { FactoryProvider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';

import { ClerkGuard } from './clerk.guard.js';

/** Registers the guard for every handler. By a factory: it runs once the options, async ones too, are settled. */
export const globalGuard: FactoryProvider<ClerkGuard> = {
  provide: APP_GUARD,
  useFactory: (guard: ClerkGuard) => guard,
  inject: [ClerkGuard],
};
