import { Problem } from '../api/client.ts';
import { count as counted, say, sayAll } from '../ui/say.ts';
import { failure } from '../ui/words.ts';
import { ask, type State, type Tell } from './messages.ts';

sayAll(document);

function find<T extends HTMLElement>(id: string, type: new () => T): T {
	const element = document.getElementById(id);
	if (!(element instanceof type)) throw new Error(`the popup has no ${id}`);
	return element;
}

const state = find('state', HTMLElement);
const lamp = find('lamp', HTMLElement);
const count = find('count', HTMLElement);
const toggle = find('on', HTMLInputElement);
const site = find('site', HTMLElement);
const form = find('who', HTMLFormElement);
const input = find('name', HTMLInputElement);
const wrong = find('wrong', HTMLElement);
const known = find('known', HTMLElement);
const link = find('server', HTMLAnchorElement);

async function show(): Promise<void> {
	const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
	const address = tab?.url && URL.canParse(tab.url) ? new URL(tab.url) : null;
	const readable = address?.protocol === 'http:' || address?.protocol === 'https:';
	const origin = readable && address ? address.origin : '';
	const settings = await ask('settings', { origin });

	link.href = settings.server;
	link.textContent = new URL(settings.server).host;
	known.hidden = settings.account === null;
	known.textContent = settings.account ? say('youAre', settings.account.name) : '';
	form.hidden = settings.account !== null;

	toggle.disabled = !readable;
	toggle.checked = readable && settings.on;
	site.textContent = say('onFor', readable && address ? address.host : say('thatPage'));
	const now = tab?.id === undefined || !settings.on ? null : await stateOf(tab.id);
	lamp.className = `lamp ${now?.status ?? 'off'}`;
	state.textContent = now ? say(now.status) : settings.on && readable ? say('reloadToBegin') : say('off');
	count.textContent = !readable
		? say('cannotHighlight')
		: now
			? now.highlights === 0
				? say('nothingHere')
				: counted('onThisPage', now.highlights)
			: '';

	toggle.onchange = async () => {
		await ask('site', { origin, on: toggle.checked });
		await show();
	};
}

async function stateOf(tab: number): Promise<State | null> {
	const tell: Tell = { tell: 'state' };
	const told: unknown = await chrome.tabs.sendMessage(tab, tell, { frameId: 0 }).catch(() => null);
	return (told as State | null) ?? null;
}

form.addEventListener('submit', async (event) => {
	event.preventDefault();
	const name = input.value.trim();
	try {
		if (name) await ask('signUp', { name });
		wrong.textContent = '';
		await show();
	} catch (cause) {
		const taken = cause instanceof Problem && cause.code === 'name_taken';
		wrong.textContent = taken ? say('nameTaken', name) : failure(cause);
	}
});

void show();
