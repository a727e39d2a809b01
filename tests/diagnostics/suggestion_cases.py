"""Words that people write, and what they mean by them: `category: meant = word word ...`, a line each.

Slips were made as fingers and memory make them (a letter doubled, left out, swapped, its neighbour on the keyboard, a
syllable forgotten, another word order); the rest is what Keras, PyTorch, Gluon, scikit-learn and albumentations call
things. `?` stands for words that mean nothing here, for which silence is right.
"""

CASES = """
layer: Convolution = Convoluton Convolutoin convolution Conv2d Conv2D conv Convolotion Convoltuion Convultion conv2d
layer: FullyConnected = Dense Linear FullConnected FullyConected fully_connected FulllyConnected dense fc Desne Liner
layer: BatchNorm = bn BatchNormalization BatchNorm2d Batchnorm BatchNrom BathNorm batch_norm BN BatchNom
layer: Activation(relu) = ReLU Relu relu
layer: Activation(sigmoid) = Sigmoid sigmoid
layer: Activation(tanh) = Tanh
layer: Activation(softrelu) = Softplus
layer: Activation = Activaton Activatoin Actvation Acitvation
layer: Pooling = Poolng Poling pooling Pool Poolign
layer: Pooling(pool_type = max) = MaxPool2d MaxPooling2D MaxPool
layer: Pooling(pool_type = avg) = AvgPool2d AveragePooling2D
layer: Pooling(global_pool = true, pool_type = avg) = GlobalAvgPool GlobalAveragePooling2D AdaptiveAvgPool2d
layer: Flatten = Flaten flatten Flattten Flattn Faltten
layer: Dropout = dropout Droput Dropuot Dropout2d DropOut
layer: Concat = Concatenate cat concat Cocnat Concta
layer: Add = add elemwise_add Ad
layer: Softmax = Sofmax softmax SoftMax SoftmaxOutput CrossEntropyLoss CrossEntropy Sotfmax
layer: WSoftmax = wsoftmax WeightedSoftmax WSofmtax
layer: FocalSoftmax = FocalLoss focal_loss FocalSoftmx Focal
layer: LeakyReLU = LeakyRelu leaky_relu LeakyRELU LekyReLU
layer: LeakyReLU(prelu) = PReLU
layer: ReLU6 = relu6 Relu6
layer: ? = Transformer Attention LSTM Embed
optimizer: sgd = SGD sdg sgdd
optimizer: adam = Adam adma ADAM RAdam
optimizer: adamw = AdamW ADAMW adamwx
optimizer: rmsprop = RMSprop RMSProp rmspropp
stop rule: early = EarlyStopping early_stopping
clipping: norm = clip_grad_norm_ clipnorm
schedule: one_cycle = OneCycleLR onecycle
schedule: polynomial = poly PolynomialLR polynomal
schedule: cosine = CosineAnnealingLR cosin cosnie Cosine
schedule: step = StepLR steps MultiStepLR
schedule: constant = constnat Constant const
metric: auc = auroc AUC roc_auc ROC_AUC acu
metric: accuracy = acc Accuracy accurracy acuracy accuray
metric: balanced_accuracy = balanced_acc uar balanced_acuracy
metric: pr_auc = average_precision auprc pr_acu PR_AUC
metric: ppv = precision positive_predictive_value PPV
metric: npv = NPV negative_predictive_value
metric: f1 = F1 f1_score
metric: quadratic_kappa = qwk cohen_kappa kappa quadratic_kapa
metric: brier = brier_score Brier
metric: calibration_error = ece ECE expected_calibration_error calibration_eror
metric: sensitivity = recall sensitvity Sensitivity tpr sensitivty
metric: specificity = specifity tnr specificty
metric: multi_ace = multi_cae multiace log_loss
sampling policy: resample = resampel Resample WeightedRandomSampler
sampling policy: oversample = overample RandomOverSampler over_sample
sampling policy: class_aware = class_awre ClassAwareSampler
sampling policy: progressive = progresive progressively_balanced
sampling policy: hard = ohem OHEM hard_mining
sampling policy: balanced_subset = balanced_subest undersample balanced
sampling policy: natural = Natural natrual all
augmentation: flip_horizontal = hflip horizontal_flip RandomHorizontalFlip flip_horizonal
augmentation: flip_vertical = vflip flipud flip_vertcal
augmentation: gaussian_noise = GaussNoise gausian_noise noise gaussain_noise
augmentation: rotate180 = rotate_180 half_turn
augmentation: rotate = RandomRotation rotation
augmentation: one_of = OneOf RandomChoice
augmentation: cutmix = CutMix cut_mix
augmentation: brightness = ColorJitter brightnes
option Convolution: num_filter = filters out_channels num_filters num_fitler nfilter numfilter
option Convolution: kernel = kernel_size kernal krenel kernl
option Convolution: stride = strides strde strdie Stride
option Convolution: pad = padding padd
option Convolution: dilate = dilation dilat
option Convolution: no_bias = bias use_bias nobias
option Convolution: num_group = groups group num_groups
option FullyConnected: num_hidden = units out_features hidden num_hiden num_hidde
option BatchNorm: eps = epsilon
option BatchNorm: fix_gamma = fixgamma affine fix_gama
option BatchNorm: momentum = momentm momentun
option Pooling: pool_type = type mode pooltype pool_tpye
option Pooling: global_pool = global globalpool global_pol
option sgd: lr = learning_rate LR rl
option sgd: wd = weight_decay decay
option sgd: momentum = momemtum
option train: epochs = epoch num_epochs max_epochs epcohs
option train: batch = batch_size batchsize btach
option train: clip = clip_gradient gradient_clip_val
option train: stop = EarlyStopping early_stopping
option train: accumulate = accumulate_grad_batches gradient_accumulation_steps acumulate
option train: optimizer = optimiser optim optimzer
option train: schedule = scheduler lr_schedule shcedule
option train: freeze = freez frozen frezze
option train: checkpoint = checkpiont chekpoint
option train: metrics = metric metircs
option train: sampling = sampler samplng
option train: augment = augmentation augmnet
option train: devices = gpus device ctx
option train: ? = verbose callbacks
option data: classes = class clases labels
option data: source = sorce souce
option data: split = spilt splits
option data: image = images imgae
value pool_type: avg = average mean agv
value pool_type: max = maximum mx
value flag: true = True yes ture
value flag: false = False flase no
keyword: data = dataset dta
keyword: model = network modle net
keyword: train = trian experiment
keyword: block = blok def function
keyword: augment = augmentation augmnet
keyword: sampling = sampler smapling
keyword: backbone = backbon back_bone
keyword: use = import include
"""


def pairs() -> list[tuple[str, str, str | None]]:
    """`(where, word, meant)`; meant is None for a word that means nothing."""
    found = []
    for line in CASES.strip().splitlines():
        head, _, words = line.rpartition(" = ")
        where, _, meant = head.partition(": ")
        found += [(where, word, None if meant == "?" else meant) for word in words.split()]
    return found
