import { ConfigurableModuleBuilder } from '@nestjs/common';

import { globalGuard } from './guard/global-guard.js';
import type { ClerkModuleOptions } from './options/clerk-options.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ClerkModuleOptions>({ moduleName: 'Clerk' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createClerkOptions')
    .setExtras({ isGlobal: true, guard: true }, (definition, { isGlobal, guard }) => ({
      ...definition,
      global: isGlobal,
      // Only a plain no switches it off: a variable that happens to be undefined must not.
      providers: [...(definition.providers ?? []), ...(guard === false ? [] : [globalGuard])],
    }))
    .build();
