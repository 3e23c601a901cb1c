
// Appended to the hook and the component of the document: shows the component, and takes it off the page on SIGINT.
import { create } from 'react-test-renderer';

const page = create(<MarketDataComponent />);
let last = '';
const watch = setInterval(() => {
    const shown = JSON.stringify(page.toJSON());
    if (shown !== last) {
        console.log('shown', page.toJSON());
        last = shown;
    }
}, 50);
process.on('SIGINT', () => {
    clearInterval(watch);
    page.unmount();
});
