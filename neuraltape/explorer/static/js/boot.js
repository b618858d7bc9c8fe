// The only script that the page names; everything else is found through the import map.
import "explorer/main";
