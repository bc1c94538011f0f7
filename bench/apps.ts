import 'reflect-metadata';

import { createPublicKey, verify } from 'node:crypto';

import { clerkMiddleware, getAuth as getAuthOfExpress } from '@clerk/express';
import { clerkPlugin, getAuth as getAuthOfFastify } from '@clerk/fastify';
import {
  Controller,
  createParamDecorator,
  ForbiddenException,
  Get,
  Injectable,
  Module,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  AcceptsToken,
  Auth,
  ClerkModule,
  Public,
  RequirePermission,
  type ClerkModuleOptions,
  type RequestOptions,
} from 'nest-clerk';

export type Platform = 'express' | 'fastify';

/**
 * The same application with a guard that only returns `true`, with nest-clerk, with Clerk's own SDK, and with a guard that
 * verifies the signature of the token and nothing else.
 */
export type Variant = 'open' | 'ours' | 'clerk' | 'verifying';

export interface AppOptions {
  readonly platform: Platform;
  readonly variant: Variant;
  readonly clerk: ClerkModuleOptions & { readonly secretKey: string; readonly publishableKey: string };
  /** How many additional controllers, with ten routes each. */
  readonly controllers?: number;
  /** The options of each tenant. The header `x-tenant` has the index. */
  readonly tenants?: readonly RequestOptions[];
}

@Injectable()
class PassThroughGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** The least that every guard must do for a new token. */
function verifyingGuard(publicKey: string): Type<CanActivate> {
  const key = createPublicKey(publicKey);

  @Injectable()
  class VerifyingGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const { headers } = context.switchToHttp().getRequest<{ headers: { authorization: string } }>();
      const token = headers.authorization.slice('Bearer '.length);
      const end = token.lastIndexOf('.');
      const signature = Buffer.from(token.slice(end + 1), 'base64url');
      return verify('RSA-SHA256', Buffer.from(token.slice(0, end)), key, signature);
    }
  }
  return VerifyingGuard;
}

/** Replaces `@Auth()` at no cost, so that the handlers are the same in all variants. */
const FixedUserId = createParamDecorator(() => 'user_1');

@Controller()
class OpenRoutes {
  @Get(['session', 'public', 'permission', 'api-key']) answer(@FixedUserId() userId: string) {
    return { userId };
  }
}

@Controller()
class OurRoutes {
  @Get('session') session(@Auth('userId') userId: string) {
    return { userId };
  }
  @Get('public') @Public() public(@Auth('userId') userId: string | null) {
    return { userId };
  }
  @Get('permission') @RequirePermission('org:invoices:create') permission(@Auth('userId') userId: string) {
    return { userId };
  }
  @Get('api-key') @AcceptsToken('api_key') apiKey(@Auth('userId') userId: string) {
    return { userId };
  }
}

type GetAuth = (
  request: object,
  options: object,
) => { isAuthenticated: boolean; userId?: string | null; has(params: object): boolean };

/** A Nest application as in Clerk's documentation: Clerk's middleware, followed by a guard of the application. */
function clerkRoutesModule(getAuth: GetAuth): Type {
  const guard =
    (acceptsToken: string, mayPass: (auth: ReturnType<GetAuth>) => boolean) => (context: ExecutionContext) => {
      const auth = getAuth(context.switchToHttp().getRequest<object>(), { acceptsToken });
      if (!auth.isAuthenticated) throw new UnauthorizedException();
      if (!mayPass(auth)) throw new ForbiddenException();
      return { userId: auth.userId };
    };
  const session = guard('session_token', () => true);
  const permission = guard('session_token', (auth) => auth.has({ permission: 'org:invoices:create' }));
  const apiKey = guard('api_key', () => true);
  const ROUTES: Record<string, (context: ExecutionContext) => unknown> = { session, permission, 'api-key': apiKey };

  @Injectable()
  class ClerkRouteGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const { url } = context.switchToHttp().getRequest<{ url: string }>();
      ROUTES[url.slice(1)]?.(context);
      return true;
    }
  }

  @Controller()
  class ClerkRoutes {
    @Get(['session', 'public', 'permission', 'api-key']) answer(@FixedUserId() userId: string) {
      return { userId };
    }
  }

  @Module({ controllers: [ClerkRoutes], providers: [{ provide: APP_GUARD, useClass: ClerkRouteGuard }] })
  class ClerkRoutesModule {}
  return ClerkRoutesModule;
}

/** Additional controllers that are never called. */
function fillers(count = 0): Type[] {
  return Array.from({ length: count }, (_, index) => {
    @Controller(`filler-${index}`)
    class Filler {
      @Get(Array.from({ length: 10 }, (_route, number) => `route-${number}`)) route() {}
    }
    return Filler;
  });
}

export async function createApp(options: AppOptions): Promise<INestApplication> {
  const { platform, variant, clerk, tenants } = options;
  const imports =
    variant === 'ours'
      ? [ClerkModule.forRoot(tenants ? { resolveOptions: tenantOf(tenants) } : clerk)]
      : variant === 'clerk'
        ? [clerkRoutesModule((platform === 'express' ? getAuthOfExpress : getAuthOfFastify) as GetAuth)]
        : [];
  const controllers = [
    ...(variant === 'ours' ? [OurRoutes] : variant === 'clerk' ? [] : [OpenRoutes]),
    ...fillers(options.controllers),
  ];
  const guard =
    variant === 'open'
      ? PassThroughGuard
      : variant === 'verifying'
        ? verifyingGuard(clerk.jwtKey as string)
        : undefined;
  const providers = guard ? [{ provide: APP_GUARD, useClass: guard }] : [];

  @Module({ imports, controllers, providers })
  class BenchModule {}

  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = await NestFactory.create(BenchModule, adapter, { logger: ['error'] });
  if (variant === 'clerk') {
    if (platform === 'express') app.use(clerkMiddleware(clerk as Parameters<typeof clerkMiddleware>[0]));
    else await (app as unknown as NestFastifyApplication).register(clerkPlugin as never, clerk as never);
  }
  return app;
}

const tenantOf = (tenants: readonly RequestOptions[]) => (request: { headers: Record<string, string> }) =>
  tenants[Number(request.headers['x-tenant'])];
