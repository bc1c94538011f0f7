import * as api from '../../../lib/index.js';
import * as testing from '../../../lib/testing/index.js';

describe('the public API', () => {
  it('of nest-clerk has exactly these exports', () => {
    expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
     [
       "AcceptsToken",
       "AllowPendingSession",
       "Auth",
       "ClerkApiExceptionFilter",
       "ClerkAuthNotPopulatedError",
       "ClerkBadRequestException",
       "ClerkClientService",
       "ClerkClients",
       "ClerkConfigurationError",
       "ClerkCore",
       "ClerkError",
       "ClerkErrorCode",
       "ClerkForbiddenException",
       "ClerkGuard",
       "ClerkInternalServerErrorException",
       "ClerkMiddleware",
       "ClerkModule",
       "ClerkNotFoundException",
       "ClerkPolicyError",
       "ClerkProtectionMap",
       "ClerkRedirectException",
       "ClerkServiceUnavailableException",
       "ClerkSockets",
       "ClerkTransportError",
       "ClerkUnauthorizedException",
       "ClerkUnprocessableEntityException",
       "CurrentUser",
       "Public",
       "RedirectToSignIn",
       "Require",
       "RequireAuth",
       "RequireFeature",
       "RequirePermission",
       "RequirePlan",
       "RequireReverification",
       "RequireRole",
       "RequireScope",
       "RequireThat",
       "SkipAuth",
       "allOf",
       "anyOf",
       "clerkMiddleware",
       "formatProtectionMap",
       "frontendApiProxy",
       "getAuth",
       "requireClerk",
       "toWebRequest",
       "tryGetAuth",
     ]
    `);
  });

  it('of nest-clerk/testing has exactly these exports', () => {
    expect(Object.keys(testing).sort()).toMatchInlineSnapshot(`
     [
       "ClerkTestingError",
       "LocalClerk",
       "LocalClerkError",
       "TestCaller",
       "apiKey",
       "m2mToken",
       "oauthToken",
       "protectionMap",
       "signedIn",
       "signedOut",
     ]
    `);
  });
});
