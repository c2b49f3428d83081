# The stand-in has no modules to fetch: it notes that it was asked.
echo "setup_modules ${1-}" >>.modules
