import { ConfigurableModuleBuilder } from '@nestjs/common';

import { globalGuard } from './guard/global-guard.js';
import type { ClerkModuleOptions } from './options/clerk-options.js';

/** What `forRoot()` and `forRootAsync()` take beside the options. */
interface ModuleExtras {
  /**
   * Whether every module sees what this one exports.
   * @default true
   */
  isGlobal?: boolean | undefined;
  /**
   * Whether ClerkGuard is registered for the whole application. Without it, `@UseGuards(ClerkGuard)` guards controllers and
   * handlers. Where nothing is guarded (workers, scripts), `secretKey` is all that is needed.
   * @default true
   */
  guard?: boolean | undefined;
}

/** Injection token: whether ClerkModule registers its guard for the whole application. */
export const IS_GUARDED = Symbol.for('nest-clerk:is-guarded');

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ClerkModuleOptions>({ moduleName: 'Clerk' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createClerkOptions')
    .setExtras<ModuleExtras>({ isGlobal: true, guard: true }, (definition, { isGlobal, guard }) => ({
      ...definition,
      // Only a plain no switches these off: a variable that happens to be undefined must not.
      global: isGlobal !== false,
      providers: [
        ...(definition.providers ?? []),
        ...(guard === false ? [{ provide: IS_GUARDED, useValue: false }] : [globalGuard]),
      ],
    }))
    .build();
