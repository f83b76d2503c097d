/**
 * Makes an element's content that of another one. What is the same stays where it is, with its focus, its selection and what
 * was typed: children with an id are told apart by it, the others by their place.
 */
export function become(old, next) {
	const known = new Map([...old.children].filter(({ id }) => id).map((child) => [child.id, child]));
	let place = old.firstChild;
	for (const child of [...next.childNodes]) {
		const was = child.id ? known.get(child.id) : alike(place, child) ? place : null;
		if (!was) {
			if (child.id) child.classList.add('fresh');
			old.insertBefore(child, place);
			continue;
		}
		if (was === place) place = place.nextSibling;
		else old.insertBefore(was, place);
		renew(was, child);
	}
	while (place) {
		const rest = place;
		place = place.nextSibling;
		rest.remove();
	}
}

/** What somebody may be at, typing or choosing. */
const typed = 'input:not([type=hidden]), select, textarea';

const alike = (a, b) => a !== null && !a.id && a.nodeType === b.nodeType && a.nodeName === b.nodeName;

function renew(old, next) {
	if (old.nodeType !== Node.ELEMENT_NODE) {
		if (old.data !== next.data) old.data = next.data;
		return;
	}
	if (old.localName === 'time' && old.dateTime === next.dateTime) return; // goes on by itself
	if (old.localName === 'svg') {
		if (!old.isEqualNode(next)) old.replaceWith(next);
		return;
	}
	if (old.localName === 'form' && old.querySelector(typed)) return;
	for (const { name, value } of next.attributes) {
		if (old.getAttribute(name) !== value && name !== 'open') old.setAttribute(name, value);
	}
	for (const { name } of [...old.attributes]) {
		if (!next.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
	}
	become(old, next);
}
