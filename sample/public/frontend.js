import { ClerkBrowser } from './clerk-browser.js';
import { addRouteButtons } from './routes.js';

const show = (id) => Object.assign(document.getElementById(id), { hidden: false });

const { apiUrl, clerkUrl, signInUrl } = await (await fetch('/config.json')).json();
const clerk = new ClerkBrowser(clerkUrl, storeDevBrowser());
const session = await clerk.session();
document.getElementById('who').textContent = session
  ? `You are ${[session.user.first_name, session.user.last_name].filter(Boolean).join(' ')}.`
  : 'You are not signed in.';
if (session) show('sign-out').addEventListener('click', () => clerk.signOut().then(() => location.reload()));
else show('sign-in').href = `${signInUrl}?${new URLSearchParams({ redirect_url: location.origin })}`;
document.getElementById('api').href = apiUrl;

addRouteButtons(document.getElementById('routes'), apiUrl, async () => {
  const token = await clerk.getToken();
  return token ? { Authorization: `Bearer ${token}` } : {};
});
document.body.dataset.ready = 'true';

/** Clerk's sign-in page passes the dev browser token in the URL. It is stored, and removed from the address bar. */
function storeDevBrowser() {
  const url = new URL(location.href);
  const fromUrl = url.searchParams.get('__clerk_db_jwt');
  if (fromUrl) {
    localStorage.setItem('__clerk_db_jwt', fromUrl);
    url.searchParams.delete('__clerk_db_jwt');
    history.replaceState(null, '', url);
  }
  return fromUrl ?? localStorage.getItem('__clerk_db_jwt');
}
