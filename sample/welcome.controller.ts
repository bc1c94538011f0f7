import { Controller, Get } from '@nestjs/common';
import { Auth, Public, SkipAuth } from 'nest-clerk';
import type { SignedInAuthObject, SignedOutAuthObject } from 'nest-clerk';

@Controller()
export class WelcomeController {
  /** Does not look at credentials at all. */
  @Get()
  @SkipAuth()
  index() {
    return {
      public: ['GET /rates'],
      signedIn: ['GET /me', 'GET /invoices'],
      permission: ['POST /invoices (org:invoices:create)'],
      machines: ['GET /invoices/export (API key or M2M token)'],
    };
  }

  /** Open to everybody; those who are signed in are known all the same. */
  @Get('rates')
  @Public()
  rates(@Auth() auth: SignedInAuthObject | SignedOutAuthObject) {
    return {
      vat: 0.19,
      greeting: auth.isAuthenticated ? `Hello ${auth.userId}` : 'Hello stranger',
    };
  }
}
