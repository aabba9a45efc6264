package opdiff

var sequenceTrials []trials
