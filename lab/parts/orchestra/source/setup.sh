# The stand-in's, as upstream's: where its modules are.
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
