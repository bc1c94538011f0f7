import { ConfigurableModuleBuilder } from '@nestjs/common';

import { globalGuard } from './guard/global-guard.js';
import type { ClerkModuleOptions } from './options/clerk-options.js';

/** What `forRoot()` and `forRootAsync()` take beside the options. */
interface ModuleExtras {
  isGlobal?: boolean | undefined;
  guard?: boolean | undefined;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ClerkModuleOptions>({ moduleName: 'Clerk' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createClerkOptions')
    .setExtras<ModuleExtras>({ isGlobal: true, guard: true }, (definition, { isGlobal, guard }) => ({
      ...definition,
      // Only a plain no switches these off: a variable that happens to be undefined must not.
      global: isGlobal !== false,
      providers: [...(definition.providers ?? []), ...(guard === false ? [] : [globalGuard])],
    }))
    .build();
