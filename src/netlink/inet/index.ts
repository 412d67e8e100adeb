/** Internet and Ethernet addresses as text and as bytes. Pure: nothing here calls the kernel. */
export * from './address.js';
export * from './mac.js';
export * from './prefix.js';
