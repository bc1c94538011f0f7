import 'reflect-metadata';

import { Controller, Get, Module, Post, Sse, type INestApplication, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  AcceptsToken,
  Auth,
  ClerkModule,
  CurrentUser,
  Public,
  RedirectToSignIn,
  RequirePermission,
  RequireReverification,
  RequireScope,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
  type User,
} from 'nest-clerk';
import { interval, map, startWith } from 'rxjs';

import type { Platform } from '../apps.js';

export interface SoakOptions {
  readonly platform: Platform;
  readonly clerk: ClerkModuleOptions;
}

/** The identity that the handler received. The oracle knows the expected one. */
function identityOf(auth: AuthObject): { who: string | null } {
  const { subject, userId } = auth as { subject?: string | null; userId?: string | null };
  return { who: userId ?? subject ?? null };
}

@Controller()
class Routes {
  @Get('session') session(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Post('session') posted(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('permission') @RequirePermission('org:invoices:create') permission(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('reverified') @RequireReverification('strict') reverified(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('me') async me(@CurrentUser() user: User) {
    return { who: user.id };
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('page') @RedirectToSignIn() page(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('health') @SkipAuth() health() {
    return { who: null };
  }
  @Get('api-key') @AcceptsToken('api_key') apiKey(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('m2m') @AcceptsToken('m2m_token') m2m(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('oauth') @AcceptsToken('oauth_token') oauth(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('scope') @AcceptsToken('api_key') @RequireScope('invoices:write') scope(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('any') @AcceptsToken('any') any(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Get('public-machines') @Public() @AcceptsToken('api_key', 'm2m_token') machines(@Auth() auth: AuthObject) {
    return identityOf(auth);
  }
  @Sse('stream') stream(@Auth() auth: AuthObject) {
    return interval(50).pipe(
      startWith(0),
      map(() => ({ data: identityOf(auth) })),
    );
  }
}

export function createApp({ platform, clerk }: SoakOptions, logger: LoggerService): Promise<INestApplication> {
  @Module({ imports: [ClerkModule.forRoot(clerk)], controllers: [Routes] })
  class SoakModule {}

  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  return NestFactory.create(SoakModule, adapter, { logger });
}
