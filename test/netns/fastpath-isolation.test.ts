import { describeForgeries } from './lib/forgeries.js';

describeForgeries('hybrid');
