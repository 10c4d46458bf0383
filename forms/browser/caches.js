// Names the page and the service worker share.
export const PAGES = "chuncha-pages";
export const PHOTOS = "chuncha-photos";
export const OFFLINE = "/offline";
