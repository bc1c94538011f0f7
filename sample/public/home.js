import { ClerkBrowser, expiryOf } from './clerk-browser.js';
import { addRouteButtons } from './routes.js';

const cookie = (name) => new RegExp(`(?:^|; )${name}=([^;]*)`).exec(document.cookie)?.[1];
const show = (id) => Object.assign(document.getElementById(id), { hidden: false });

const session = await (await fetch('/session')).json();
const clerk = session.clerkUrl && new ClerkBrowser(session.clerkUrl, cookie('__clerk_db_jwt'));
document.getElementById('who').textContent = session.user
  ? `You are ${session.user.name}, ${session.organization ? `at ${session.organization}` : 'without an active organization'}.`
  : 'You are not signed in.';

if (session.user) {
  for (const { name, slug } of session.organizations) addLink(`/orgs/${slug}`, name, slug === session.organization);
  addLink('/personal', 'No organization', !session.organization);
  show('organizations');
  // With a real instance, the frontend signs out with Clerk's SDK.
  if (clerk) show('sign-out').addEventListener('click', signOut);
} else {
  show('sign-in');
}

if (session.frontendUrl) {
  show('other-origin');
  document.getElementById('frontend').href = session.frontendUrl;
}

addRouteButtons(document.getElementById('routes'), '', async () => {
  await refreshCookie();
  return {};
});
document.body.dataset.ready = 'true';

function addLink(href, textContent, isActive) {
  const link = Object.assign(document.createElement('a'), { href, textContent });
  if (isActive) link.setAttribute('aria-current', 'true');
  const item = document.createElement('li');
  item.append(link);
  document.getElementById('organization-links').append(item);
}

/** The server refreshes the cookie on navigations. While a page is open, the page refreshes it, like Clerk's SDK. */
async function refreshCookie() {
  const token = cookie('__session');
  if (!clerk || !token || expiryOf(token) > Date.now()) return;
  document.cookie = `__session=${(await clerk.getToken()) ?? ''}; Path=/; SameSite=Lax`;
}

/** A navigation with the dev browser token in the URL causes a handshake, which clears the session cookies. */
async function signOut() {
  await clerk.signOut();
  location.assign(`/?__clerk_db_jwt=${cookie('__clerk_db_jwt')}`);
}
