/** What a page is made of but its data: a module for browsers, and CSS. */
export interface PageAssets {
  script: string;
  style: string;
}
