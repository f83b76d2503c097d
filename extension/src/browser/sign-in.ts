import type { Client, Session } from '../api/client.ts';

/** How often the browser is shown that this background is needed, in milliseconds: a person may take long to sign in. */
const beat = 10_000;

/**
 * Signs in on a page of the server's own, which may ask for a password, lead to another provider, or take a new name. What it
 * gives back is worth something only together with a secret that has not left this browser (RFC 7636). Null: the person
 * thought better of it.
 */
export async function signIn(client: Client): Promise<Session | null> {
	const redirect = chrome.identity.getRedirectURL();
	const [verifier, state] = [secret(), secret()];
	const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
	const query = new URLSearchParams({
		redirect_uri: redirect,
		state,
		code_challenge: base64url(new Uint8Array(digest)),
		code_challenge_method: 'S256',
	});
	const awake = setInterval(() => void chrome.runtime.getPlatformInfo(), beat);
	const url = `${client.server}/signin?${query}`;
	// It fails when the window is closed.
	const back = await chrome.identity.launchWebAuthFlow({ url, interactive: true }).catch(() => undefined);
	clearInterval(awake);
	if (!back?.startsWith(redirect)) return null;
	const answer = new URL(back).searchParams;
	const code = answer.get('code');
	if (answer.get('state') !== state || code === null) return null;
	return client.redeemCode(code, verifier);
}

function secret(): string {
	return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
	return btoa(String.fromCharCode(...bytes))
		.replace(/\+/g, '-')
		.replace(/\//g, '_')
		.replace(/=+$/, '');
}
