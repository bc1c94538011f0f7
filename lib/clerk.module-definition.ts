import { ConfigurableModuleBuilder } from '@nestjs/common';

import { globalGuard } from './guard/global-guard.js';
import type { ClerkModuleOptions } from './options/clerk-options.js';

/** Options of the module itself: `forRoot()` takes them with the other options, `forRootAsync()` next to its factory. */
export interface ClerkModuleExtras {
  /**
   * Makes the exports of the module visible to every other module.
   * @default true
   */
  isGlobal?: boolean | undefined;
  /**
   * Registers `ClerkGuard` for the whole application. Without it, `@UseGuards(ClerkGuard)` guards single controllers and
   * handlers. If nothing is guarded (workers, scripts), `secretKey` is enough.
   * @default true
   */
  guard?: boolean | undefined;
}

/** Injection token: whether ClerkModule registers its guard for the whole application. */
export const IS_GUARDED = Symbol.for('nest-clerk:is-guarded');

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ClerkModuleOptions>({ moduleName: 'Clerk' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createClerkOptions')
    .setExtras<ClerkModuleExtras>({ isGlobal: true, guard: true }, (definition, { isGlobal, guard }) => ({
      ...definition,
      // Only `false` switches these off, since a variable may be undefined by accident.
      global: isGlobal !== false,
      providers: [
        ...(definition.providers ?? []),
        ...(guard === false ? [{ provide: IS_GUARDED, useValue: false }] : [globalGuard]),
      ],
    }))
    .build();
